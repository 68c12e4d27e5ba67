using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Console;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// The log on standard output. Without a <c>FormatterName</c> the platform's console log overwrites what
/// <c>Logging:Console:FormatterOptions</c> has; it ends the process when a format of the time is none, and takes another form in silence
/// when nobody knows the name. And when nobody reads the output, or a terminal is held, every request would wait for its lines to be
/// written: lines that do not fit into its queue are dropped, and it says how many.
/// </summary>
internal static partial class ConsoleLog
{
    private const string FormatterSetting = "Logging:Console:FormatterName";
    private const string QueueSetting = "Logging:Console:QueueFullMode";

    private static readonly string[] s_formatters = [ConsoleFormatterNames.Simple, ConsoleFormatterNames.Systemd, ConsoleFormatterNames.Json];

    private static readonly string[] s_settings = ["Logging:Console:FormatterOptions:TimestampFormat", "Logging:Console:TimestampFormat"];

    public static void AddConsoleLog(this IServiceCollection services)
    {
        services.AddOptions<ConsoleLoggerOptions>().Configure<IConfiguration>(static (options, configuration) =>
        {
            if (string.IsNullOrEmpty(configuration[QueueSetting]))
            {
                options.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
            }
        });
        // The platform's older settings beside FormatterName count only without it.
#pragma warning disable CS0618
        services.PostConfigure<ConsoleLoggerOptions>(options => options.FormatterName ??=
            options.TimestampFormat is not null ? null : options.Format == ConsoleLoggerFormat.Systemd ? ConsoleFormatterNames.Systemd : ConsoleFormatterNames.Simple);
#pragma warning restore CS0618
        services.PostConfigure<SimpleConsoleFormatterOptions>(DropUnusable);
        services.PostConfigure<ConsoleFormatterOptions>(DropUnusable);
        services.PostConfigure<JsonConsoleFormatterOptions>(DropUnusable);
    }

    /// <summary>A line for each setting that is no format of a time, and for a name that no formatter has.</summary>
    public static IEnumerable<string> Problems(IConfiguration configuration) => s_settings
        .Where(setting => configuration[setting] is { } format && !IsUsable(format))
        .Select(setting => $"{setting} is '{configuration[setting]?.ReplaceLineEndings(" ")}', which is no format of a time; write one such as 'yyyy-MM-dd HH:mm:ss.fff '.")
        .Concat(configuration[FormatterSetting] is { Length: > 0 } name && !s_formatters.Contains(name, StringComparer.OrdinalIgnoreCase)
            ? [$"{FormatterSetting} is {SettingsReading.Quote(name)}; it must be one of {string.Join(", ", s_formatters)}."]
            : []);

    // Also what a change of the settings brings while the service runs.
    private static void DropUnusable(ConsoleFormatterOptions options) =>
        options.TimestampFormat = options.TimestampFormat is { } format && IsUsable(format) ? format : null;

    private static bool IsUsable(string format)
    {
        try
        {
            _ = DateTimeOffset.UnixEpoch.ToString(format, CultureInfo.CurrentCulture);
            return format.Length == 1 || (format.Length == 2 && format[0] == '%') || !Foreign().IsMatch(format);
        }
        catch (FormatException)
        {
            return false;
        }
    }

    // Letters that stand for themselves or for something else here, as formats of strftime (%Y-%m-%d) and of Moment, which PM2 has
    // (YYYY-MM-DD), are full of: each line would have a wrong time, in silence. What is quoted or escaped is meant, as are T and Z of ISO 8601.
    [GeneratedRegex(@"^(?:'[^']*'|""[^""]*""|\\.|[^'""\\%A-Za-z]|[dfFghHKmMstTyzZ])*(?:%|[A-Za-z-[dfFghHKmMstTyzZ]])", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Foreign();
}
