using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

/// <summary>What the exporter would throw at, or would do nothing with, stops the start with a line.</summary>
public sealed class ExporterSettingsTests
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    [Theory]
    [InlineData(Endpoint, "localhost:4317", Endpoint + " is 'localhost:4317'; it must be an address such as http://collector:4317.")]
    [InlineData(Endpoint, "collector", Endpoint + " is 'collector'; it must be an address *")]
    [InlineData(Endpoint, "grpc://collector:4317", Endpoint + " is 'grpc://collector:4317'; it must be an address *")]
    [InlineData("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "collector:4318/v1/logs", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT is *")]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS", "s3cret", "OTEL_EXPORTER_OTLP_HEADERS cannot be used; it must be name=value, several separated by commas.")]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS", "a=b,s3cret", "OTEL_EXPORTER_OTLP_HEADERS cannot be used; *")]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS", "=s3cret", "OTEL_EXPORTER_OTLP_HEADERS cannot be used; *")]
    [InlineData("OTEL_METRIC_EXPORT_INTERVAL", "0", "OTEL_METRIC_EXPORT_INTERVAL is '0'; it must be a whole number of milliseconds, at least 1.")]
    [InlineData("OTEL_METRIC_EXPORT_INTERVAL", "10s", "OTEL_METRIC_EXPORT_INTERVAL is '10s'; *")]
    public void What_the_exporter_cannot_use_is_named_without_what_may_be_a_credential(string name, string value, string line)
    {
        var problem = Assert.Single(ExporterSettings.Problems(Configuration((Endpoint, "http://127.0.0.1:4317"), (name, value))));

        Assert.True(System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(line, problem, ignoreCase: false), problem);
        Assert.DoesNotContain("s3cret", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Endpoint, "https://collector.example:4317/")]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x,b=c=d,")]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS", "")]
    [InlineData("OTEL_METRIC_EXPORT_INTERVAL", "60000")]
    public void What_it_can_use_is_left_to_it(string name, string value) =>
        Assert.Empty(ExporterSettings.Problems(Configuration((Endpoint, "http://127.0.0.1:4317"), (name, value))));

    [Fact]
    public void Where_nothing_is_exported_nothing_of_it_is_read() => Assert.Empty(ExporterSettings.Problems(Configuration(("OTEL_EXPORTER_OTLP_HEADERS", "x"))));

    private static IConfiguration Configuration(params (string Key, string Value)[] settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.GroupBy(setting => setting.Key).Select(group => KeyValuePair.Create(group.Key, (string?)group.Last().Value))).Build();
}
