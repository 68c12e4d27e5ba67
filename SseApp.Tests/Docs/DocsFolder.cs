namespace SseApp.Tests.Docs;

/// <summary>The pages of the repository.</summary>
internal static class DocsFolder
{
    private static readonly string[] s_folders = [".", "docs", "docs/decisions", "bench"];

    /// <summary>A file by its path from the root of the repository.</summary>
    public static Task<string> ReadAsync(string path) => File.ReadAllTextAsync(Path.Combine(Root(), path), TestContext.Current.CancellationToken);

    /// <summary>All Markdown pages, by their path from the root.</summary>
    public static IEnumerable<string> Pages() => s_folders
        .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Root(), folder), "*.md"))
        .Select(file => Path.GetRelativePath(Root(), file).Replace('\\', '/'));

    public static string Root()
    {
        Assert.SkipWhen(Repository.Root is null, "The tests do not run inside the repository, so its pages cannot be read.");
        return Repository.Root;
    }
}
