namespace SseApp.Cli;

/// <summary>What the program has of the process that it is: tests have another one.</summary>
internal sealed record ToolHost
{
    public required Stream Input { get; init; }

    public required TextWriter Output { get; init; }

    public required TextWriter Error { get; init; }

    /// <summary>Whether a person sees the output; then colours are used.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>Whether a person would have to type the input.</summary>
    public bool IsInputTerminal { get; init; }

    /// <summary>Columns of the terminal.</summary>
    public int Width { get; init; } = 80;

    public required Func<string, string?> Variable { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public static ToolHost OfProcess()
    {
        var isTerminal = !Console.IsOutputRedirected;
        return new ToolHost
        {
            Input = Console.OpenStandardInput(),
            Output = Writer(OpenOutput(isTerminal)),
            Error = Writer(Console.OpenStandardError()),
            IsTerminal = isTerminal,
            IsInputTerminal = !Console.IsInputRedirected,
            Width = isTerminal && Console.WindowWidth > 0 ? Console.WindowWidth : 80,
            Variable = Environment.GetEnvironmentVariable,
        };
    }

    private static StreamWriter Writer(Stream stream) => new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true, NewLine = "\n" };

    // The console's own stream says nothing when the reader of a pipe has left ("sse tail news | head -1"), and a stream would be
    // read for nobody. A file may be shared with other programs, whose place in it the console's stream respects.
    private static Stream OpenOutput(bool isTerminal)
    {
        if (isTerminal || OperatingSystem.IsWindows())
        {
            return Console.OpenStandardOutput();
        }

#pragma warning disable CA2000 // It lives as long as the process.
        var pipe = new FileStream(new Microsoft.Win32.SafeHandles.SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
#pragma warning restore CA2000
        return pipe.CanSeek ? Console.OpenStandardOutput() : pipe;
    }
}
