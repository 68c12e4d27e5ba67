using Microsoft.AspNetCore.StaticFiles;

namespace SseApp.Gateway.Pages;

/// <summary>
/// Types of files by the ends of their names: the framework's, and what nginx's <c>mime.types</c> or a browser knows beyond them. With
/// <c>nosniff</c> a browser believes them: a feed would be saved rather than shown, and Safari plays no list of another type.
/// </summary>
internal static class FileTypes
{
    public const string Unknown = "application/octet-stream";

    public static FileExtensionContentTypeProvider Provider { get; } = new(new Dictionary<string, string>(new FileExtensionContentTypeProvider().Mappings, StringComparer.OrdinalIgnoreCase)
    {
        [".apk"] = "application/vnd.android.package-archive",
        [".atom"] = "application/atom+xml",
        [".cjs"] = "text/javascript",
        [".geojson"] = "application/geo+json",
        [".glb"] = "model/gltf-binary",
        [".gltf"] = "model/gltf+json",
        [".jsonld"] = "application/ld+json",
        [".jsx"] = "text/javascript",
        [".jxl"] = "image/jxl",
        [".kml"] = "application/vnd.google-earth.kml+xml",
        [".m3u8"] = "application/vnd.apple.mpegurl",
        [".rss"] = "application/rss+xml",
        [".toml"] = "application/toml",
        [".ts"] = "video/mp2t",
        [".vtt"] = "text/vtt",
        [".yaml"] = "application/yaml",
        [".yml"] = "application/yaml",
    });

    public static string Of(string path) => Provider.TryGetContentType(path, out var type) ? type : Unknown;
}
