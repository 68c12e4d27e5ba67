using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Tests.ServiceDefaults.Defaults.Telemetry;

/// <summary>PM2's <c>log_date_format</c> is a setting of the platform's console log; nothing of ours may get in its way.</summary>
public sealed class LogTimestampTests
{
    [Theory]
    [InlineData(null, @"^2\d\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d\d\dZ (info|warn|fail): ")]
    [InlineData("simple", @"^2\d\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d\d\dZ (info|warn|fail): ")]
    [InlineData("json", @"""Timestamp"":""2\d\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d\d\dZ """)]
    public async Task Log_lines_begin_with_the_time_in_the_configured_form(string? formatter, string line)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ConnectionStrings__redis"] = "127.0.0.1:1,connectTimeout=50",
            ["Logging__LogLevel__Default"] = "Information",
            ["Logging__Console__FormatterOptions__TimestampFormat"] = "yyyy-MM-dd HH:mm:ss.fffZ ",
            ["Logging__Console__FormatterOptions__UseUtcTimestamp"] = "true",
        };
        if (formatter is not null)
        {
            settings["Logging__Console__FormatterName"] = formatter;
        }

        await using var gateway = new ServiceProcess("gateway", "SseApp.Gateway", settings);
        await gateway.StartAsync();

        await Eventually.Async(
            () => gateway.Process.Tail(100).Split('\n').Any(printed => System.Text.RegularExpressions.Regex.IsMatch(
                printed, line, System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1))),
            TimeSpan.FromSeconds(10),
            "a line with its time");
    }

    [Theory]
    [InlineData("HH:mm:ss.fffffffff ", false)]
    [InlineData("yyyy-MM-dd HH:mm:ss ", true)]
    [InlineData("yyyy-MM-ddTHH:mm:ss.fffZ ", true)]
    [InlineData("[HH:mm:ss zzz] ", true)]
    [InlineData("d. MMMM yyyy, HH'h'mm ", true)]
    [InlineData("%H", true)]
    [InlineData("O", true)]
    [InlineData("YYYY-MM-DD HH:mm:ss Z", false)]
    [InlineData("%Y-%m-%d %H:%M:%S ", false)]
    [InlineData("iso", false)]
    [InlineData("", true)]
    public void A_format_that_is_none_is_named(string format, bool usable)
    {
        const string Setting = "Logging:Console:FormatterOptions:TimestampFormat";
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create(Setting, (string?)format)]).Build();

        var lines = ConsoleLog.Problems(configuration);

        Assert.Equal(usable ? [] : [Setting], lines.Select(line => line.Split(' ')[0]));
    }
}
