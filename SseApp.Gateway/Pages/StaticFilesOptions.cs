using Microsoft.Extensions.Logging.Abstractions;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Pages;

/// <summary>Section <c>StaticFiles</c>: your own pages, for paths that no route serves.</summary>
[SwitchedOnBy(nameof(Root))]
public sealed class StaticFilesOptions : IValidatableObject
{
    public const string SectionName = "StaticFiles";

    /// <summary>
    /// Folder with the files; a relative path begins at the folder of the gateway's settings. The console then moves from <c>/</c> to
    /// <c>/console/</c>. Default none.
    /// </summary>
    public string? Root { get; set; }

    /// <summary>
    /// File in <c>Root</c> for the addresses of a single-page application, usually <c>index.html</c>: browsers that open a page (<c>GET</c>,
    /// <c>Accept: text/html</c>) get it for each path that no file has and whose last part has no dot. Default none: 404.
    /// </summary>
    public string? Fallback { get; set; }

    /// <summary>
    /// How long clients may use a file without asking. Default 0: they ask each time, and get 304 if it is unchanged. HTML is
    /// asked for each time in any case, so that a new release is seen.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "365.00:00:00")]
    public TimeSpan MaxAge { get; set; }

    /// <summary>
    /// Paths of files that never change because their names contain a hash, such as <c>/assets/*</c>: clients keep them for a year
    /// and do not ask. Default none.
    /// </summary>
    public IList<string> Immutable { get; } = [];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var problem in PathPatterns.Problems(Immutable))
        {
            yield return new ValidationResult($"{SectionName}:{nameof(Immutable)} {problem}", [nameof(Immutable)]);
        }

        if (string.IsNullOrWhiteSpace(Root))
        {
            yield break;
        }

        var root = Path.GetFullPath(Root);
        if (!Directory.Exists(root))
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(Root)} is '{Root}', but there is no folder {root}; name an existing folder, or leave the setting out.", [nameof(Root)]);
        }
        else if (!string.IsNullOrWhiteSpace(Fallback) && !new PageFiles(root, NullLogger.Instance).GetFileInfo(Fallback).Exists)
        {
            yield return new ValidationResult(
                $"{SectionName}:{nameof(Fallback)} is '{Fallback}', but {root} has no such file, or none that the gateway may read; name a file in it, such as index.html.", [nameof(Fallback)]);
        }
    }
}
