"""Auth's public HTTP: the keys by which anybody can check an access token."""

from __future__ import annotations

import base64

from fastapi import FastAPI, Response

from realchat_auth.keys import SigningKeys
from realchat_common.problems import Described, add_problem_handlers
from realchat_common.tokens import ALGORITHM

MAX_AGE_SECONDS = 300
"""Far shorter than the hour by which a key is listed before it signs."""


def public_app(keys: SigningKeys, issuer: str, public_url: str) -> FastAPI:
    """The application on the public port.

    Args:
        keys: what to list.
        issuer: the access tokens' `iss`.
        public_url: where this application is reached.
    """
    app = Described(title="RealChat auth", docs_url=None, redoc_url=None)
    add_problem_handlers(app)

    @app.get("/.well-known/jwks.json")
    async def jwks(response: Response) -> dict[str, list[dict[str, str]]]:
        """A JWK set (RFC 7517) of Ed25519 keys (RFC 8037)."""
        response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
        return {
            "keys": [
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode(),
                    "kid": kid,
                    "use": "sig",
                    "alg": ALGORITHM,
                }
                for kid, raw in keys.listed()
            ]
        }

    @app.get("/.well-known/openid-configuration")
    async def discovery(response: Response) -> dict[str, str]:
        """Enough of OpenID Connect Discovery for a library to find the keys."""
        response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}"
        return {"issuer": issuer, "jwks_uri": f"{public_url.rstrip('/')}/.well-known/jwks.json"}

    return app
