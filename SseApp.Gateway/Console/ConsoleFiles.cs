using System.Reflection;
using System.Text;
using Microsoft.AspNetCore.StaticFiles;

namespace SseApp.Gateway.Console;

/// <summary>
/// The console's files, from the assembly: they work alike in <c>dotnet run</c>, in published output and in tests, and need
/// nothing beside the program. Static web assets (MapStaticAssets) would need their manifest and folder there.
/// </summary>
internal sealed class ConsoleFiles
{
    private const string Prefix = "SseApp.Gateway.Console.wwwroot.";
    private const string Page = "index.html";

    private readonly Dictionary<string, ConsoleFile> _files = new(StringComparer.Ordinal);

    public ConsoleFiles()
    {
        var assembly = typeof(ConsoleFiles).Assembly;
        var types = new FileExtensionContentTypeProvider();
        foreach (var resource in assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            var name = resource[Prefix.Length..];
            var type = types.TryGetContentType(name, out var known) ? known : "application/octet-stream";
            _files[$"/{name}"] = new ConsoleFile(
                type.StartsWith("text/", StringComparison.Ordinal) ? $"{type}; charset=utf-8" : type, Read(assembly, resource));
        }

        // Links of the page carry the version of what they point to: browsers keep the files and never meet an old one.
        var page = _files[$"/{Page}"];
        var html = _files.Where(file => file.Value != page).Aggregate(
            page.Text, (text, file) => text.Replace($"\"{file.Key[1..]}\"", $"\"{file.Key[1..]}?v={file.Value.Version}\"", StringComparison.Ordinal));
        _files["/"] = _files[$"/{Page}"] = new ConsoleFile(page.ContentType, Encoding.UTF8.GetBytes(html));
    }

    public ConsoleFile? Find(string path) => _files.GetValueOrDefault(path);

    private static byte[] Read(Assembly assembly, string resource)
    {
        using var stream = assembly.GetManifestResourceStream(resource)!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
