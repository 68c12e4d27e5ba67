using SseApp.Cli.Commands;

namespace SseApp.Cli;

/// <summary>The program: what is typed, and how it ends.</summary>
internal static class SseTool
{
    // What is being written when Ctrl+C comes is written; then the process ends whatever it waits for.
    private static readonly TimeSpan s_endLimit = TimeSpan.FromSeconds(5);

    // EPIPE of Linux and macOS; ERROR_BROKEN_PIPE and ERROR_NO_DATA of Windows.
    private static readonly int[] s_noReader = [32, unchecked((int)0x8007006D), unchecked((int)0x800700E8)];

    public static async Task<int> RunAsync(string[] args, ToolHost host, CancellationToken cancellationToken)
    {
        var shared = new Shared(host);
        var parsed = Root(shared).Parse(args);
        var isJson = args.Contains("--json", StringComparer.Ordinal);
        if (parsed.Errors.Count > 0)
        {
            var problem = string.Join(' ', parsed.Errors.Select(error => error.Message));
            return shared.Fail(ToolException.Usage($"{problem} See 'sse{Path(parsed)} --help'."), isJson);
        }

        if (shared.Empty(parsed) is { } empty)
        {
            return shared.Fail(ToolException.Usage($"{empty} is empty. See 'sse{Path(parsed)} --help'."), isJson);
        }

        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration { Output = host.Output, Error = host.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = s_endLimit },
                cancellationToken);
        }
        catch (IOException exception) when (Array.IndexOf(s_noReader, exception.HResult) >= 0)
        {
            // Whoever read the output has what it wanted: "sse tail news | head -1".
            return ExitCode.Ok;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // What is not written is missing for whoever relies on the file.
            return shared.Fail(new ToolException(ExitCode.Failed, "output", $"The output cannot be written: {(exception is IOException ? exception.Message.TrimEnd('.') : "it is closed")}."), isJson);
        }
    }

    /// <summary>All commands.</summary>
    public static RootCommand Root(Shared shared) => new("The operators' tool of an SseApp cluster: docs/sse-tool.md has the exit codes, and the fields of --json.")
    {
        shared.Json,
        StatusCommand.Create(shared),
        ShowCommand.Create(shared),
        MonitCommand.Create(shared),
        ReloadCommand.Create(shared),
        DrainCommands.Drain(shared),
        DrainCommands.Undrain(shared),
        TopicsCommand.Create(shared),
        TailCommand.Create(shared),
        PublishCommand.Create(shared),
        DecodeCommand.Create(shared),
        SizeCommand.Create(shared),
    };

    private static string Path(ParseResult parsed) => parsed.CommandResult.Command is RootCommand ? "" : $" {parsed.CommandResult.Command.Name}";
}
