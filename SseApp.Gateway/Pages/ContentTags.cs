using System.Collections.Concurrent;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using SseApp.ServiceDefaults.Defaults.Keys;

namespace SseApp.Gateway.Pages;

/// <summary>
/// ETags that say what is in a file. The platform's own is made of time and length: a package whose files all have one time,
/// or a page that is written twice within a second, would be "not modified" in its next release. Here the request's
/// conditions are decided by the content, and the platform is told the result in conditions that its own ETag meets or fails.
/// </summary>
internal sealed class ContentTags
{
    // What is larger is told from another one by what the file system says of it, which costs nothing.
    private const long MaxHashed = 32 << 20;
    private const int MaxKept = 10_000;
    private const string NoTag = "\"\"";

    // Two changes within one tick of the file system's clock look alike.
    private static readonly TimeSpan s_settled = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, (FileState State, string Tag)> _known = new(StringComparer.Ordinal);

    /// <summary>Decides the conditions of a request for a file; <paramref name="next"/> serves it, and calls <see cref="Describe"/>.</summary>
    /// <param name="context">The request.</param>
    /// <param name="file">What it will get.</param>
    /// <param name="coding">How the file is packed; null: it is not.</param>
    /// <param name="next">Serves it.</param>
    public async Task ServeAsync(HttpContext context, IFileInfo file, string? coding, RequestDelegate next)
    {
        context.Features.Set<Decided>(null);
        if (file is { Exists: true, IsDirectory: false } && await TagAsync(file) is { } content)
        {
            var tag = new EntityTagHeaderValue($"\"{(coding is null ? "" : $"{coding}-")}{content}\"");
            context.Features.Set(Decide(context.Request, tag, file.LastModified));
        }

        await next(context);
    }

    /// <summary>Puts the tag into a response that the platform has prepared.</summary>
    public static void Describe(HttpContext context)
    {
        if (context.Response.Headers.ETag.Count > 0 && context.Features.Get<Decided>() is { } decided)
        {
            context.Response.Headers.ETag = (context.Response.StatusCode == StatusCodes.Status304NotModified ? decided.Known ?? decided.Tag : decided.Tag).ToString();
        }
    }

    // RFC 9110, 13.2.2. The dates of If-Modified-Since and If-Unmodified-Since are left to the platform.
    private static Decided Decide(HttpRequest request, EntityTagHeaderValue tag, DateTimeOffset lastModified)
    {
        var (headers, typed) = (request.Headers, request.GetTypedHeaders());
        if (headers.IfMatch.Count > 0)
        {
            var matches = typed.IfMatch.Any(given => IsAny(given) || given.Compare(tag, useStrongComparison: true));
            headers.IfMatch = matches ? default : NoTag;
            headers.IfUnmodifiedSince = default;
        }

        EntityTagHeaderValue? known = null;
        if (headers.IfNoneMatch.Count > 0)
        {
            var found = typed.IfNoneMatch.FirstOrDefault(given => IsAny(given) || given.Compare(tag, useStrongComparison: false));
            headers.IfNoneMatch = found is null ? default(StringValues) : "*";
            headers.IfModifiedSince = default;
            // Who has it compressed keeps a weak one.
            known = found is { IsWeak: true } ? found : null;
        }

        var range = typed.Range is { } asked && asked.Unit.Equals("bytes", StringComparison.OrdinalIgnoreCase);
        if (headers.IfRange.Count > 0)
        {
            range &= typed.IfRange is { } condition && (condition.EntityTag?.Compare(tag, useStrongComparison: true) ?? condition.LastModified?.ToUnixTimeSeconds() == lastModified.ToUnixTimeSeconds());
            headers.IfRange = default;
        }

        if (!range)
        {
            // Also in units that nobody knows: all of it, then (RFC 9110, 14.2).
            headers.Range = default;
        }

        return new Decided(tag, known);
    }

    private static bool IsAny(EntityTagHeaderValue tag) => tag.Tag == "*";

    private async Task<string?> TagAsync(IFileInfo file)
    {
        var version = file.PhysicalPath is { } path ? FileStatus.Version(path) : null;
        var state = new FileState(file.Length, file.LastModified.UtcTicks, version?.Inode ?? 0, version?.Changed ?? 0);
        var name = file.PhysicalPath ?? file.Name;
        if (_known.TryGetValue(name, out var known) && known.State == state)
        {
            return known.Tag;
        }

        string tag;
        try
        {
            tag = file.Length > MaxHashed ? Text(XxHash128.Hash(MemoryMarshal.AsBytes([state]))) : await HashAsync(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It has just gone, or cannot be read: whoever serves it will find that out.
            return null;
        }

        var changed = version is { Changed: var nanoseconds } ? DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / 100) : file.LastModified;
        if (file.PhysicalPath is null || TimeProvider.System.GetUtcNow() - changed > s_settled)
        {
            if (_known.Count >= MaxKept)
            {
                _known.Clear();
            }

            _known[name] = (state, tag);
        }

        return tag;
    }

    private static async Task<string> HashAsync(IFileInfo file)
    {
        await using var content = file.CreateReadStream();
        var hash = new XxHash128();
        await hash.AppendAsync(content);
        return Text(hash.GetCurrentHash());
    }

    private static string Text(byte[] hash) => Convert.ToHexStringLower(hash);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct FileState(long Length, long Written, ulong Inode, long Changed);

    /// <param name="Tag">The file's.</param>
    /// <param name="Known">As the client has it.</param>
    private sealed record Decided(EntityTagHeaderValue Tag, EntityTagHeaderValue? Known);
}
