using System.Collections.Concurrent;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.FileProviders.Internal;
using Microsoft.Extensions.FileProviders.Physical;
using Microsoft.Extensions.Primitives;

using SseApp.ServiceDefaults.Defaults.Keys;

namespace SseApp.Gateway.Pages;

/// <summary>
/// The files below a folder that the public may see. <see cref="PhysicalFileProvider"/> hides a file whose name begins with
/// a dot, but serves <c>.git/config</c>, and follows links to anywhere. Here no part of a path may begin with a dot, but for
/// <c>.well-known</c> (RFC 8615), and links count only while they stay in the folder: Kubernetes mounts a ConfigMap as such
/// links, and a deployment may switch the folder itself by one. What is no regular file is not there: opening a named pipe
/// would wait for its writer, and so hold the threads of all other requests. What this process may not read is not there either.
/// </summary>
internal sealed partial class PageFiles(string root, ILogger logger) : IFileProvider
{
    // As Linux has it.
    private const int MaxLinks = 40;
    private const int MaxPath = 4096;

    private const int MaxNamed = 100;

    private static readonly string[] s_separators = ["/", "\\", "%2f", "%2F", "%5c", "%5C"];

    private readonly ConcurrentDictionary<string, bool> _unreadable = new(StringComparer.Ordinal);

    public static bool IsHidden(string subpath) => Parts(subpath)
        .Where((part, index) => part.StartsWith('.') && (index > 0 || !string.Equals(part, ".well-known", StringComparison.Ordinal))).Any();

    /// <summary>
    /// Whether the path is in one of the folders at the root of this name, as any file system, proxy or client may read it: with further
    /// slashes, backslashes, encoded separators, other letter case, dots at the end.
    /// </summary>
    public static bool IsBelow(string subpath, string folder) =>
        subpath.Split(s_separators, StringSplitOptions.RemoveEmptyEntries).Select(part => part.TrimEnd('.', ' ')).FirstOrDefault(part => part.Length > 0) is { } first
        && string.Equals(first, folder, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a path, followed through its links, lies in the folder, and no part of it there is hidden.</summary>
    public static bool IsWithin(string folder, string path)
    {
        try
        {
            var links = 0;
            var within = Path.GetRelativePath(Real(folder, ref links), Real(path, ref links));
            return !Path.IsPathRooted(within) && !IsHidden(within);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false;
        }
    }

    public IFileInfo GetFileInfo(string subpath) =>
        !subpath.EndsWith('/') && Find(subpath) is { } path && new FileInfo(path) is { Exists: true } file && FileStatus.IsRegular(path) && IsReadable(path)
            ? new PhysicalFileInfo(file)
            : new NotFoundFileInfo(subpath);

    public IDirectoryContents GetDirectoryContents(string subpath) =>
        Find(subpath) is { } path && Directory.Exists(path) ? new PhysicalDirectoryContents(path) : NotFoundDirectoryContents.Singleton;

    public IChangeToken Watch(string filter) => NullChangeToken.Singleton;

    private bool IsReadable(string path)
    {
        if (FileStatus.IsReadable(path))
        {
            return true;
        }

        // A release is read in a moment, and visitors ask on.
        if (_unreadable.Count < MaxNamed && _unreadable.TryAdd(path, true))
        {
            LogUnreadable(path);
        }

        return false;
    }

    private string? Find(string subpath)
    {
        // Each part of a path costs a question to the file system.
        if (subpath.Length > MaxPath || IsHidden(subpath))
        {
            return null;
        }

        var parts = Parts(subpath);

        try
        {
            var links = 0;
            var folder = Real(root, ref links);
            var path = Real(Path.Combine([folder, .. parts]), ref links);
            return path == folder || path.StartsWith(Path.TrimEndingDirectorySeparator(folder) + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? path : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // A path that the file system does not take (too long, a loop of links) is no file.
            return null;
        }
    }

    private static string[] Parts(string subpath) => subpath.Split(['/', '\\'], StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The path without links, in no part of it.</summary>
    private static string Real(string path, ref int links)
    {
        var full = Path.GetFullPath(path);
        var real = Path.GetPathRoot(full)!;
        foreach (var part in full[real.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            var next = new FileInfo(Path.Combine(real, part));
            if (next.LinkTarget is not { } target)
            {
                real = next.FullName;
                continue;
            }

            if (++links > MaxLinks)
            {
                throw new IOException($"{path} has too many links.");
            }

            real = Real(Path.Combine(real, target), ref links);
        }

        return real;
    }

    [LoggerMessage(LogLevel.Warning, "{Path} is in StaticFiles:Root, but the gateway may not read it, so it is answered with 404. Let the gateway's user read it.")]
    private partial void LogUnreadable(string path);
}
