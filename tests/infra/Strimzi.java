import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Reads objects (a JSON array on standard input) into Strimzi's classes and names every field that these do not know. */
public final class Strimzi {
    private static final Map<String, String> CLASSES =
            Map.of(
                    "Kafka", "io.strimzi.api.kafka.model.kafka.Kafka",
                    "KafkaNodePool", "io.strimzi.api.kafka.model.nodepool.KafkaNodePool",
                    "KafkaTopic", "io.strimzi.api.kafka.model.topic.KafkaTopic");

    public static void main(String[] arguments) throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        // The classes keep what they do not know in `additionalProperties`, which `unknown` looks into.
        mapper.configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, true);
        List<String> unknown = new ArrayList<>();
        for (JsonNode node : mapper.readTree(System.in)) {
            String kind = node.get("kind").asText();
            Object resource = mapper.treeToValue(node, Class.forName(CLASSES.get(kind)));
            find(resource, kind + "/" + node.at("/metadata/name").asText(), unknown);
        }
        unknown.forEach(System.out::println);
        System.exit(unknown.isEmpty() ? 0 : 1);
    }

    private static void find(Object value, String path, List<String> unknown) throws Exception {
        if (value instanceof List<?> list) {
            for (Object item : list) find(item, path, unknown);
        }
        if (value == null || value.getClass().isEnum() || !isModel(value.getClass())) return;
        for (Method getter : value.getClass().getMethods()) {
            if (!getter.getName().startsWith("get") || getter.getParameterCount() > 0) continue;
            Object field = getter.invoke(value);
            if (getter.getName().equals("getAdditionalProperties")) {
                for (Object name : ((Map<?, ?>) field).keySet()) unknown.add(path + "." + name);
            } else {
                find(field, path + "." + getter.getName().substring(3), unknown);
            }
        }
    }

    private static boolean isModel(Class<?> type) {
        return type.getName().startsWith("io.strimzi.api.") || type.getName().startsWith("io.fabric8.kubernetes.api.model.");
    }
}
