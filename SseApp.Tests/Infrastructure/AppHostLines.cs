using System.Text.RegularExpressions;

namespace SseApp.Tests.Infrastructure;

/// <summary>What the AppHost prints for whoever started it.</summary>
internal static partial class AppHostLines
{
    [GeneratedRegex(@"Live console: (?<url>http://\S+)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    public static partial Regex Gateway();

    [GeneratedRegex(@"Operators: +(?<url>http://\S+)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    public static partial Regex Operators();

    [GeneratedRegex(@"Bearer \$\(cat (?<file>[^)]+)\)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    public static partial Regex KeyFile();

    [GeneratedRegex(@"Login to the dashboard at (?<url>http://\S+)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    public static partial Regex Dashboard();

    [GeneratedRegex(@"Prometheus is ready: (?<url>http://\S+)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    public static partial Regex Prometheus();
}
