import io.debezium.engine.ChangeEvent;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.format.Json;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/**
 * Runs a connector and writes the values of its records unchanged, one per line, into files, as a sink to S3 does:
 * each file appears complete, before its records count as handled. Arguments: the properties, the folder.
 */
public class Capture {
    private static int files = 0;

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(Path.of(arguments[0]))) {
            properties.load(reader);
        }
        Path folder = Path.of(arguments[1]);
        String run = System.currentTimeMillis() + "-";
        DebeziumEngine.create(Json.class)
                .using(properties)
                .using((done, message, error) -> {
                    System.err.println(message);
                    if (error != null) {
                        error.printStackTrace();
                    }
                })
                .notifying((batch, committer) -> {
                    List<String> values = new ArrayList<>();
                    for (ChangeEvent<String, String> event : batch) {
                        if (event.value() != null) {
                            values.add(event.value());
                        }
                    }
                    write(folder, run + String.format("%06d", files++), values);
                    for (ChangeEvent<String, String> event : batch) {
                        committer.markProcessed(event);
                    }
                    committer.markBatchFinished();
                })
                .build()
                .run();
    }

    private static void write(Path folder, String name, List<String> values) {
        try {
            Path partial = folder.resolve(name + ".partial");
            Files.write(partial, values);
            Files.move(partial, folder.resolve(name + ".json"), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
    }
}
