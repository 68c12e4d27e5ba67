using System.Buffers;

namespace SseApp.Gateway.Requests;

/// <summary>
/// Paths as a setting lists them: a path, or with a <c>*</c> at its end all that begin so. Compared as routing does, without
/// regard to letter case and a slash at the end: what reaches <c>/health</c> as <c>/Health/</c> is the same request.
/// </summary>
internal sealed class PathPatterns(IEnumerable<string> patterns)
{
    // A path is compared as it is after decoding, and without its query: with one of these a pattern would match nothing.
    private static readonly SearchValues<char> s_noPath = SearchValues.Create("?#%");

    private readonly string[] _paths = [.. patterns.Where(pattern => !pattern.EndsWith('*')).Select(WithoutSlash)];
    private readonly string[] _beginnings = [.. patterns.Where(pattern => pattern.EndsWith('*')).Select(pattern => pattern[..^1])];

    public bool Match(PathString path)
    {
        var text = path.Value ?? "";
        return _paths.Contains(WithoutSlash(text), StringComparer.OrdinalIgnoreCase)
            || Array.Exists(_beginnings, beginning => text.StartsWith(beginning, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>What is wrong with each pattern, to go on from the setting's name.</summary>
    public static IEnumerable<string> Problems(IEnumerable<string> patterns) => patterns
        .Where(pattern => !pattern.StartsWith('/') || pattern.AsSpan(0, pattern.Length - 1).Contains('*') || pattern.AsSpan().IndexOfAny(s_noPath) >= 0)
        .Select(pattern => $"contains '{pattern}'; write a path such as /health, or the beginning of paths with a * at its end, such as /assets/*.");

    private static string WithoutSlash(string path) => path.Length > 1 ? path.TrimEnd('/') : path;
}
