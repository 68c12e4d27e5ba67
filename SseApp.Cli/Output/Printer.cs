namespace SseApp.Cli.Output;

/// <summary>How a command says what it found: as JSON for programs, else as text, with colours where a person sees them.</summary>
internal sealed class Printer
{
    // What is redirected has no width: a table that wraps is no use to grep.
    private const int NoWidth = 4096;

    private static readonly JsonWriterOptions s_json = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ToolHost _host;

    public Printer(ToolHost host, bool isJson)
    {
        _host = host;
        IsJson = isJson;
        // https://no-color.org
        var isPlain = !host.IsTerminal || !string.IsNullOrEmpty(host.Variable("NO_COLOR")) || host.Variable("TERM") == "dumb";
        Console = Create(host, isPlain ? AnsiSupport.No : AnsiSupport.Yes, isPlain ? ColorSystemSupport.NoColors : ColorSystemSupport.Standard);
    }

    public bool IsJson { get; }

    public IAnsiConsole Console { get; }

    /// <summary>A console whose lines can be written over; null where there is no terminal that could.</summary>
    public IAnsiConsole? Live() => !_host.IsTerminal || _host.Variable("TERM") == "dumb" ? null
        : Create(_host, AnsiSupport.Yes, string.IsNullOrEmpty(_host.Variable("NO_COLOR")) ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors);

    /// <summary>Writes one line; null is not written.</summary>
    public void Line(string? text)
    {
        if (text is not null)
        {
            _host.Output.WriteLine(text);
        }
    }

    public void Write(IRenderable renderable)
    {
        // Spectre fills the cells of the last column up to its width.
        using var lines = new StringWriter { NewLine = "\n" };
        var width = Console.Profile.Width;
        var buffer = Create(_host with { Output = lines }, Console.Profile.Capabilities.Ansi ? AnsiSupport.Yes : AnsiSupport.No, Console.Profile.Capabilities.Ansi ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors);
        buffer.Profile.Width = width;
        buffer.Write(renderable);
        foreach (var line in lines.ToString().TrimEnd('\n').Split('\n'))
        {
            _host.Output.WriteLine(line.TrimEnd(' '));
        }
    }

    /// <summary>For people, beside the output.</summary>
    public void Note(string text)
    {
        if (!IsJson)
        {
            _host.Error.WriteLine($"sse: {SafeText.Of(text)}");
        }
    }

    /// <summary>Writes one JSON value as one line.</summary>
    public void Json(Action<Utf8JsonWriter> write) => _host.Output.WriteLine(ToJson(write));

    public static string ToJson(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, s_json))
        {
            write(json);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    public static Sheet Table(params string[] columns) => new(columns);

    /// <summary>Names, and what is to be said of each.</summary>
    public static Sheet Pairs() => new(["", ""], isPairs: true);

    public static Text Cell(string? text, Color? color = null) => new(SafeText.Of(text ?? "-"), color is { } shown ? new Style(shown) : Style.Plain);

    private static IAnsiConsole Create(ToolHost host, AnsiSupport ansi, ColorSystemSupport colors)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = ansi,
            ColorSystem = colors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(host.Output),
        });
        console.Profile.Width = host.IsTerminal ? host.Width : NoWidth;
        return console;
    }
}
