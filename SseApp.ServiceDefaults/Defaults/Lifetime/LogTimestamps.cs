using Microsoft.Extensions.Logging.Console;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// The time before each line of the log. Without a <c>FormatterName</c> the platform's console log overwrites what
/// <c>Logging:Console:FormatterOptions</c> has, and it ends the process when a format is none.
/// </summary>
internal static class LogTimestamps
{
    private static readonly string[] s_settings = ["Logging:Console:FormatterOptions:TimestampFormat", "Logging:Console:TimestampFormat"];

    public static void AddLogTimestamps(this IServiceCollection services)
    {
        // The platform's older settings beside FormatterName count only without it.
#pragma warning disable CS0618
        services.PostConfigure<ConsoleLoggerOptions>(options => options.FormatterName ??=
            options.TimestampFormat is not null ? null : options.Format == ConsoleLoggerFormat.Systemd ? ConsoleFormatterNames.Systemd : ConsoleFormatterNames.Simple);
#pragma warning restore CS0618
        services.PostConfigure<SimpleConsoleFormatterOptions>(DropUnusable);
        services.PostConfigure<ConsoleFormatterOptions>(DropUnusable);
        services.PostConfigure<JsonConsoleFormatterOptions>(DropUnusable);
    }

    /// <summary>A line for each setting that is no format of a time.</summary>
    public static IEnumerable<string> Problems(IConfiguration configuration) => s_settings
        .Where(setting => configuration[setting] is { } format && !IsUsable(format))
        .Select(setting => $"{setting} is '{configuration[setting]?.ReplaceLineEndings(" ")}', which is no format of a time; write one such as 'yyyy-MM-dd HH:mm:ss.fff '.");

    // Also what a change of the settings brings while the service runs.
    private static void DropUnusable(ConsoleFormatterOptions options) =>
        options.TimestampFormat = options.TimestampFormat is { } format && IsUsable(format) ? format : null;

    private static bool IsUsable(string format)
    {
        try
        {
            _ = DateTimeOffset.UnixEpoch.ToString(format, CultureInfo.CurrentCulture);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
