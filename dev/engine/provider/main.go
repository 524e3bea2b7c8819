// Pulumi's provider for Kubernetes. Its own main embeds a schema that is made when it is released and is not in the
// module; only generators of SDKs ask for it.
package main

import (
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

func main() {
	provider.Serve("kubernetes", version.Version, []byte("{}"), []byte("{}"))
}
