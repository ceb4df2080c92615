import io.aiven.kafka.connect.common.config.AivenCommonConfig;
import io.aiven.kafka.connect.common.config.CompressionType;
import io.aiven.kafka.connect.common.config.OutputFieldType;
import io.aiven.kafka.connect.common.config.TimestampSource;
import io.aiven.kafka.connect.common.grouper.RecordGrouper;
import io.aiven.kafka.connect.common.grouper.RecordGrouperFactory;
import io.aiven.kafka.connect.common.output.OutputWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkConnector;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * A sink to S3 with the settings of Aiven's connector, of which Maven Central has only the parts: Aiven's classes group
 * records into files, name the files and write their content; only the upload is ours.
 * It ignores offsets, as theirs does: what was uploaded but not committed yet is uploaded again under the same key.
 */
public class S3Sink extends SinkConnector {
    private Map<String, String> properties;

    @Override
    public void start(Map<String, String> properties) {
        this.properties = properties;
    }

    @Override
    public Class<? extends Task> taskClass() {
        return S3SinkTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int most) {
        return Collections.nCopies(most, properties);
    }

    @Override
    public ConfigDef config() {
        return Config.definition();
    }

    @Override
    public void stop() {}

    @Override
    public String version() {
        return "1";
    }

    public static class S3SinkTask extends SinkTask {
        private Config config;
        private RecordGrouper grouper;
        private S3Client s3;

        @Override
        public void start(Map<String, String> properties) {
            config = new Config(properties);
            grouper = RecordGrouperFactory.newRecordGrouper(config);
            AwsBasicCredentials who = AwsBasicCredentials.create(
                    config.getString("aws.access.key.id"), config.getPassword("aws.secret.access.key").value());
            s3 = S3Client.builder()
                    .credentialsProvider(StaticCredentialsProvider.create(who))
                    .region(Region.of(config.getString("aws.s3.region")))
                    .endpointOverride(URI.create(config.getString("aws.s3.endpoint")))
                    .forcePathStyle(true)
                    .build();
        }

        @Override
        public void put(Collection<SinkRecord> records) {
            records.forEach(grouper::put);
        }

        @Override
        public void flush(Map<TopicPartition, OffsetAndMetadata> offsets) {
            try {
                grouper.records().forEach(this::upload);
            } finally {
                grouper.clear();
            }
        }

        private void upload(String key, List<SinkRecord> records) {
            ByteArrayOutputStream content = new ByteArrayOutputStream();
            try (OutputWriter writer = OutputWriter.builder()
                    .withCompressionType(config.getCompressionType())
                    .withExternalProperties(config.originalsStrings())
                    .withOutputFields(config.getOutputFields())
                    .withEnvelopeEnabled(config.envelopeEnabled())
                    .build(content, config.getFormatType())) {
                writer.writeRecords(records);
            } catch (IOException error) {
                throw new ConnectException(error);
            }
            s3.putObject(
                    to -> to.bucket(config.getString("aws.s3.bucket.name")).key(key),
                    RequestBody.fromBytes(content.toByteArray()));
        }

        @Override
        public void stop() {
            if (s3 != null) {
                s3.close();
            }
        }

        @Override
        public String version() {
            return "1";
        }
    }

    private static class Config extends AivenCommonConfig {
        Config(Map<String, String> properties) {
            super(definition(), properties);
        }

        static ConfigDef definition() {
            ConfigDef definition = new ConfigDef();
            addOutputFieldsFormatConfigGroup(definition, OutputFieldType.VALUE);
            addCompressionTypeConfig(definition, CompressionType.NONE);
            for (String name : List.of("aws.access.key.id", "aws.s3.bucket.name", "aws.s3.region", "aws.s3.endpoint")) {
                text(definition, name);
            }
            text(definition, "file.name.template");
            define(definition, "aws.secret.access.key", ConfigDef.Type.PASSWORD, ConfigDef.NO_DEFAULT_VALUE);
            define(definition, FILE_MAX_RECORDS, ConfigDef.Type.INT, 0);
            define(definition, FILE_NAME_TIMESTAMP_TIMEZONE, ConfigDef.Type.STRING, "UTC");
            define(definition, FILE_NAME_TIMESTAMP_SOURCE, ConfigDef.Type.STRING,
                    TimestampSource.Type.WALLCLOCK.name());
            return definition;
        }

        private static void text(ConfigDef definition, String name) {
            define(definition, name, ConfigDef.Type.STRING, ConfigDef.NO_DEFAULT_VALUE);
        }

        private static void define(ConfigDef definition, String name, ConfigDef.Type type, Object value) {
            definition.define(name, type, value, ConfigDef.Importance.HIGH, "As Aiven's connector has it.");
        }
    }
}
