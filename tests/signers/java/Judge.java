import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.twilio.security.RequestValidator;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * Judges with the Maven artifact com.twilio.sdk:twilio. One JSON object a line comes in, one goes out:
 *
 * <pre>{"judge": {"url", "token", "params" or "body", "signature"}}  ->  {"valid": true, false or null}</pre>
 *
 * null where a name has a list of values: the library takes one value for each. What it throws counts as false, and is
 * named in "raised". Its signing method is private, so it signs nothing. Ends when its input ends.
 */
public final class Judge {
    private Judge() {}

    private static String judge(JsonObject request) {
        try {
            String url = request.get("url").getAsString();
            String signature = request.get("signature").getAsString();
            RequestValidator validator = new RequestValidator(request.get("token").getAsString());
            if (request.has("body")) {
                return valid(validator.validate(url, request.get("body").getAsString(), signature));
            }
            Map<String, String> params = new HashMap<>();
            for (Map.Entry<String, JsonElement> entry : request.getAsJsonObject("params").entrySet()) {
                if (entry.getValue().isJsonArray()) {
                    return "{\"valid\": null}";
                }
                params.put(entry.getKey(), entry.getValue().getAsString());
            }
            return valid(validator.validate(url, params, signature));
        } catch (Exception error) {
            return "{\"valid\": false, \"raised\": \"" + error.getClass().getSimpleName() + "\"}";
        }
    }

    private static String valid(boolean valid) {
        return "{\"valid\": " + valid + "}";
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream output = new PrintStream(System.out, false, "UTF-8");
        String line = input.readLine();
        while (line != null) {
            output.println(judge(JsonParser.parseString(line).getAsJsonObject().getAsJsonObject("judge")));
            line = input.readLine();
        }
        output.flush();
    }
}
