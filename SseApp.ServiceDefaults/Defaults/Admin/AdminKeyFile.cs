using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using SseApp.ServiceDefaults.Defaults.Keys;

namespace SseApp.ServiceDefaults.Defaults.Admin;

/// <summary>Reads the key of operators, or makes it. What others could have read or put there is refused.</summary>
internal static class AdminKeyFile
{
    private const string Setting = $"{AdminOptions.SectionName}:{nameof(AdminOptions.KeyFile)}";

    // More than any form of a key has.
    private const int MaxFile = 1024;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <param name="configured">Path of the file; null or empty: where the first folder is that can be used.</param>
    /// <exception cref="OptionsValidationException">There is no key that only operators know; the message says what to do.</exception>
    public static AdminKey ReadOrCreate(string? configured)
    {
        var path = string.IsNullOrWhiteSpace(configured) ? DefaultPath() : Path.GetFullPath(configured);
        try
        {
            if (!File.Exists(path))
            {
                PrivateFile.MakeFolder(Path.GetDirectoryName(path)!);
                PrivateFile.WriteOnce(path, Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(KeyText.Length)));
            }

            // Opening a named pipe would wait for whoever writes to it.
            return FileStatus.IsRegular(Resolve(path))
                ? new AdminKey(Read(path), path)
                : throw Refused($"{Setting} is '{path}', which is no regular file. {Advice}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Refused($"{Setting} is '{path}', which can be neither read nor made: {exception.Message.TrimEnd('.')}. {Advice}");
        }
    }

    private static string Resolve(string path) => File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;

    private static string Advice =>
        $"Name a file in a folder that this service's user can write, or put a key there, of this user and with mode 600 (openssl rand -hex {KeyText.Length}), or set {AdminOptions.SectionName}:{nameof(AdminOptions.Urls)} to nothing: no operator listener.";

    private static string Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        // Of what is open, not of the path: that may name another file a moment later.
        if (!OperatingSystem.IsWindows())
        {
            if ((File.GetUnixFileMode(file.SafeFileHandle) & Others) != UnixFileMode.None)
            {
                throw Refused($"{Setting} is '{path}', which others than its owner may use: who reads it is operator. If it was not read by anybody, chmod 600 it; else delete it, and the next start makes a new key.");
            }

            if (FileStatus.Owner(file.SafeFileHandle) is { } owner && owner != AdminKeyFolders.geteuid())
            {
                throw Refused($"{Setting} is '{path}', which belongs to another user ({owner}): who has put it there is operator. Name a file of this service's user ({AdminKeyFolders.geteuid()}).");
            }
        }

        Span<byte> bytes = stackalloc byte[MaxFile];
        var text = Encoding.ASCII.GetString(bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)]).Trim();
        return KeyText.TryParse(text, out var key)
            ? KeyText.IsGuessable(key)
                ? throw Refused($"{Setting} is '{path}', whose key is not random (it repeats itself, or counts): anybody could find it. Delete the file, and the next start makes one, or write one (openssl rand -hex {KeyText.Length}).")
                : text
            : throw Refused($"{Setting} is '{path}', which holds no key: a key is {KeyText.Length} random bytes in base64url, base64 or hexadecimal digits. Delete the file, and the next start makes one, or write one (openssl rand -hex {KeyText.Length}).");
    }

    private static string DefaultPath() => OperatingSystem.IsWindows()
        ? Path.Combine(AdminKeyFolders.All().First(), AdminKeyFolders.FileName)
        : FirstOf(AdminKeyFolders.All());

    /// <summary>The key's file in the first of these folders that this user alone can write.</summary>
    internal static string FirstOf(IEnumerable<string> folders)
    {
        var refused = new List<string>();
        foreach (var folder in folders)
        {
            if (Problem(folder) is not { } problem)
            {
                return Path.Combine(folder, AdminKeyFolders.FileName);
            }

            refused.Add($"{folder} ({problem})");
        }

        throw Refused($"{Setting} is not set, and no folder can hold the key of operators: {string.Join("; ", refused)}. Mount a folder that can be written, such as a tmpfs at /tmp. Or: {char.ToLowerInvariant(Advice[0])}{Advice[1..]}");
    }

    /// <summary>Why the key cannot be in this folder; null when it can.</summary>
    private static string? Problem(string folder)
    {
        try
        {
            PrivateFile.MakeFolder(folder);
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(folder) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != UnixFileMode.None)
            {
                return "others may write to it";
            }

            if (FileStatus.Owner(folder) is { } owner && owner != AdminKeyFolders.geteuid())
            {
                return "it belongs to another user";
            }

            if (!File.Exists(Path.Combine(folder, AdminKeyFolders.FileName)))
            {
                var trial = Path.Combine(folder, $".{Guid.NewGuid():N}");
                File.Create(trial).Dispose();
                File.Delete(trial);
            }

            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return exception.Message.TrimEnd('.');
        }
    }

    private static OptionsValidationException Refused(string problem) => new(AdminOptions.SectionName, typeof(AdminOptions), [problem]);
}
