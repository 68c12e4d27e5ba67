using SseApp.ServiceDefaults.Defaults.Admin;

namespace SseApp.Cli.Gateway;

/// <summary>
/// What is sent behind <c>Bearer</c>. It comes from a variable or a file and never from an argument, which every user of the machine could read
/// in the list of processes; and it is in no message.
/// </summary>
internal static class Credential
{
    public const string OperatorVariable = "SSE_ADMIN_KEY";
    public const string ClientVariable = "SSE_TOKEN";

    /// <summary>The reason of a refusal for a client that sent none.</summary>
    public const string None = "no-credentials";

    public const string HowToName = $"set {ClientVariable}, or name a file with --token-file.";

    private const string FileSuffix = "_FILE";
    private const string GatewayFileVariable = "Admin__KeyFile";
    private const int MaxLength = 16 * 1024;

    /// <summary>The key of operators, or a token with the scope for it.</summary>
    public static string OfOperator(string? file, Uri address, Func<string, string?> variable) =>
        Chosen(file, "--key-file", variable, OperatorVariable)
        // What was not chosen is no other machine's business.
        ?? (address.IsLoopback ? OfGateway(variable) : null)
        ?? throw ToolException.Usage($"Operators have a key: set {OperatorVariable} to it, or name the file that has it with --key-file or {OperatorVariable}{FileSuffix}. A gateway logs at its start where its key is.");

    /// <summary>A client's token or API key; null: none, where everybody may.</summary>
    public static string? OfClient(string? file, Func<string, string?> variable) => Chosen(file, "--token-file", variable, ClientVariable);

    private static string? Chosen(string? file, string option, Func<string, string?> variable, string name) =>
        !string.IsNullOrEmpty(file) ? Read(file, option)
            : variable(name) is { } text && !string.IsNullOrWhiteSpace(text) ? Checked(text.Trim(), name)
            : variable(name + FileSuffix) is { Length: > 0 } path ? Read(path, name + FileSuffix)
            : null;

    // The gateway of this container or of this user.
    private static string? OfGateway(Func<string, string?> variable) =>
        variable(GatewayFileVariable) is { Length: > 0 } configured ? Read(configured, GatewayFileVariable)
            : AdminKeyFolders.All().Select(folder => Path.Combine(folder, AdminKeyFolders.FileName)).FirstOrDefault(File.Exists) is { } path ? Read(path, "The file of the key")
            : null;

    private static string Read(string path, string source)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[MaxLength];
            return Checked(Encoding.UTF8.GetString(bytes.AsSpan(0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false))).Trim(), $"{source} ({path})");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw ToolException.Usage(exception is FileNotFoundException or DirectoryNotFoundException
                ? $"{source}: there is no file {path}."
                : $"{source}: {path} cannot be read: {exception.Message.TrimEnd('.')}.");
        }
    }

    private static string Checked(string text, string source) =>
        text.Length is > 0 and < MaxLength && text.All(static character => character is > ' ' and <= '~')
            ? text
            : throw ToolException.Usage($"{source} holds no key or token: that is one line of letters, digits and signs.");
}
