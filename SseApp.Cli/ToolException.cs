namespace SseApp.Cli;

/// <summary>Something that whoever typed the command has to know; it is printed as one line.</summary>
/// <param name="code">One of <see cref="ExitCode"/>.</param>
/// <param name="reason">A word for programs: that of the answer, or one of this program.</param>
/// <param name="message">A sentence for people.</param>
internal sealed class ToolException(int code, string reason, string message) : Exception(message)
{
    public int Code => code;

    public string Reason => reason;

    /// <summary>There was no connection on which anything could have been sent.</summary>
    public bool IsUnsent { get; init; }

    public static ToolException Usage(string message) => new(ExitCode.Usage, "usage", message);
}
