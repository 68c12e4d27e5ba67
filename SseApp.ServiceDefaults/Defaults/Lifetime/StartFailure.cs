using System.Diagnostics;
using System.Text.RegularExpressions;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>Distinguishes wrong settings from faults of the program, whose stack trace someone needs.</summary>
internal static partial class StartFailure
{
    // As AdminOptions has it.
    private const string OperatorsAddress = "Admin:Urls";

    /// <summary>A line for each wrong setting; empty when the exception has another cause.</summary>
    /// <param name="exception">What ended the start.</param>
    /// <param name="configuration">The whole configuration, if there was one already.</param>
    /// <param name="operators">Where operators are answered when the setting for it is missing.</param>
    public static IReadOnlyCollection<string> Explain(Exception exception, IConfiguration? configuration, string operators) => exception switch
    {
        OptionsValidationException options => [.. options.Failures],
        AggregateException all when all.InnerExceptions.Select(inner => Explain(inner, configuration, operators)).ToArray() is var lines =>
            lines.All(some => some.Count > 0) ? [.. lines.SelectMany(some => some)] : [],
        OperationCanceledException => [],
        // Libraries throw what they please about the settings that they read themselves.
        _ => Thrower(exception) switch
        {
            "Yarp.ReverseProxy" when exception.InnerException is AggregateException all => [.. all.InnerExceptions.Select(inner => Line(configuration, "ReverseProxy", inner.Message))],
            "Yarp.ReverseProxy" => [Line(configuration, "ReverseProxy", Messages(exception))],
            // The only value that it reads; its message does not say what there is.
            "Microsoft.Extensions.Logging.Configuration" => [Line(configuration, "Logging", $"{Messages(exception).TrimEnd('.')}; it must be one of {string.Join(", ", Enum.GetNames<LogLevel>())}.")],
            "Microsoft.Extensions.Logging.Console" => [Line(configuration, "Logging", Messages(exception))],
            "Microsoft.Extensions.Configuration.Binder" => [NotConverted(exception)],
            // It reads them when it is made, before anything is checked.
            { } exporter when exporter.StartsWith("OpenTelemetry", StringComparison.Ordinal) && configuration is not null => [.. ExporterSettings.Problems(configuration)],
            { } reader when reader.StartsWith("Microsoft.Extensions.Configuration", StringComparison.Ordinal) =>
                [exception is UnauthorizedAccessException ? $"{Messages(exception).TrimEnd('.')}. Let the user of this service read its settings, or take the file away." : Messages(exception)],
            { } server when server.StartsWith("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal) || server == "Microsoft.AspNetCore.Http" =>
                [Address(configuration, exception.Message, operators)],
            _ => [],
        },
    };

    /// <summary>A line for an address in <c>Urls</c> that cannot be one, or null.</summary>
    public static string? WrongAddress(IConfiguration configuration)
    {
        // One value for the platform, to which a list is nothing, and the address that it has by default counts.
        foreach (var setting in (string[])["urls", "http_ports", "https_ports"])
        {
            if (configuration.GetSection(setting).GetChildren().FirstOrDefault() is { } item)
            {
                return $"{item.Path} is {SettingsReading.Quote(item.Value)}, but {setting} is one value; write all in it, separated by semicolons.";
            }
        }

        // The platform takes what is no number for a part of the host's name.
        foreach (var setting in (string[])["http_ports", "https_ports"])
        {
            if (configuration[setting] is { } ports && Array.Exists(ports.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries), port => !ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
            {
                return $"{setting} is {SettingsReading.Quote(ports)}; write port numbers between 0 and 65535, several separated by semicolons.";
            }
        }

        try
        {
            return ListenAddresses.Parse(configuration["urls"])
                .Select(url => url.Port > ushort.MaxValue ? "a port is between 0 and 65535" : url.PathBase.Length > 0 ? "an address has no path" : null)
                .FirstOrDefault(rule => rule is not null) is { } rule
                ? Address(configuration, rule, operators: null)
                : null;
        }
        catch (FormatException exception)
        {
            return Address(configuration, exception.Message, operators: null);
        }
    }

    /// <summary>A line for an endpoint of Kestrel's own section that has no address, or null.</summary>
    public static string? WrongEndpoint(IConfiguration configuration)
    {
        foreach (var url in configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(endpoint => endpoint.GetSection("Url")))
        {
            try
            {
                _ = BindingAddress.Parse(url.Value ?? "");
            }
            catch (FormatException exception)
            {
                return $"{url.Path} is {SettingsReading.Quote(url.Value)}; {exception.Message}";
            }
        }

        return null;
    }

    /// <summary>A line for what section <c>Logging</c> has that would end the log, or null.</summary>
    public static string? WrongLogging(IConfiguration configuration)
    {
        using var services = new ServiceCollection().AddLogging(logging => logging.AddConfiguration(configuration.GetSection("Logging")).AddConsole()).BuildServiceProvider();
        try
        {
            _ = services.GetRequiredService<IOptions<LoggerFilterOptions>>().Value;
            _ = services.GetRequiredService<IOptions<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>>().Value;
            return null;
        }
#pragma warning disable CA1031 // Libraries throw what they please about the settings that they read themselves.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return Explain(exception, configuration, operators: "").FirstOrDefault() ?? $"Logging: {Messages(exception)}";
        }
    }

    private static string Messages(Exception exception) =>
        (exception.InnerException is { } inner ? $"{exception.Message} {Messages(inner)}" : exception.Message).ReplaceLineEndings(" ");

    private static string? Thrower(Exception exception) => new StackTrace(exception).GetFrames()
        .Select(frame => frame.GetMethod()?.DeclaringType?.Assembly.GetName().Name)
        .FirstOrDefault(name => name is not null && !name.StartsWith("System.", StringComparison.Ordinal));

    private static string Line(IConfiguration? configuration, string section, string message) =>
        Quoted(configuration?.GetSection(section).AsEnumerable(), message) is { } setting ? $"{setting}; {message}" : $"{section}: {message}";

    private static string? Quoted(IEnumerable<KeyValuePair<string, string?>>? settings, string message) => settings?
        .Where(pair => !string.IsNullOrEmpty(pair.Value) && message.Contains($"'{pair.Value}'", StringComparison.Ordinal))
        .Select(pair => $"{pair.Key} is '{pair.Value}'")
        .FirstOrDefault();

    private static string NotConverted(Exception exception) =>
        ConversionFailure().Match(exception.Message) is { Success: true } match && Type.GetType(match.Groups["type"].Value) is { } type
            ? $"{match.Groups["path"].Value} is '{match.Groups["value"].Value}'; it must be {SettingTypes.Describe(type, property: null)}."
            : Messages(exception);

    private static string Address(IConfiguration? configuration, string message, string? operators)
    {
        // The message names no address; that of plain HTTP is none of its business.
        var certificate = message.StartsWith("Unable to configure HTTPS endpoint", StringComparison.Ordinal);
        // Endpoints go before addresses.
        var settings = configuration?.AsEnumerable()
            .Where(pair => AddressSetting().IsMatch(pair.Key) && !string.IsNullOrWhiteSpace(pair.Value))
            .Where(pair => !certificate || pair.Key.Equals("https_ports", StringComparison.OrdinalIgnoreCase) || pair.Value!.Contains("https:", StringComparison.OrdinalIgnoreCase))
            .OrderByDescending(pair => pair.Key.StartsWith("Kestrel", StringComparison.OrdinalIgnoreCase))
            .ToArray() ?? [];
        // Two of them may want the same port.
        string[] same = [.. settings.Append(KeyValuePair.Create(OperatorsAddress, configuration?[OperatorsAddress] is null ? operators : null))
            .Where(pair => Port().Match(message) is { Success: true } port && pair.Value?.Contains(port.Value, StringComparison.Ordinal) == true)
            .Select(pair => $"{pair.Key} is '{pair.Value}'")];
        var setting = Quoted(settings, message)
            ?? (same.Length > 0 ? string.Join(" and ", same) : settings.Select(pair => $"{pair.Key} is '{pair.Value}'").FirstOrDefault("Urls is not set"));
        if (certificate)
        {
            return $"{setting}, but there is no certificate for HTTPS; take it away, or set Kestrel:Certificates:Default. A gateway's own HTTPS is Tls:CertificateFile with Tls:Urls.";
        }

        return $"{setting}; this service cannot listen there: {message.ReplaceLineEndings(" ").TrimEnd('.')}. " +
            "Set addresses such as http://0.0.0.0:8080 that this machine has and no other process uses." +
            (setting.Contains(OperatorsAddress, StringComparison.OrdinalIgnoreCase) ? $" {OperatorsAddress} may be http://127.0.0.1:0 (any free port; the log names it), or empty (no listener for operators)." : "");
    }

    [GeneratedRegex("^Failed to convert configuration value '(?<value>.*)' at '(?<path>[^']*)' to type '(?<type>[^']*)'", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex ConversionFailure();

    [GeneratedRegex("^(urls|https?_ports|tls:urls|admin:urls|kestrel:endpoints:.*)$", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex AddressSetting();

    [GeneratedRegex(":[0-9]{1,5}\\b", RegexOptions.NonBacktracking)]
    private static partial Regex Port();
}
