extern alias cli;

using cli::SseApp.Cli;

namespace SseApp.Tests.Cli;

/// <summary>The program <c>sse</c> in this process, with an input, an environment and a terminal of the test's own.</summary>
internal sealed class ToolRun : IAsyncDisposable
{
    private readonly CancellationTokenSource _interrupt = new();
    private readonly Lines _output = new();
    private readonly Lines _error = new();
    private readonly Task<int> _run;

    private ToolRun(string[] args, Dictionary<string, string> variables, string? input, bool isTerminal, TimeProvider? time, int width) => _run = Task.Run(() => SseTool.RunAsync(
        args,
        new ToolHost
        {
            Input = new MemoryStream(Encoding.UTF8.GetBytes(input ?? "")),
            Output = _output,
            Error = _error,
            IsTerminal = isTerminal,
            Width = width,
            Variable = name => variables.GetValueOrDefault(name),
            Time = time ?? TimeProvider.System,
        },
        _interrupt.Token));

    public string Output => _output.ToString();

    public string Error => _error.ToString();

    public string[] OutputLines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static ToolRun Start(string[] args, Dictionary<string, string> variables, string? input = null, bool isTerminal = false, TimeProvider? time = null, int width = 100) =>
        new(args, variables, input, isTerminal, time, width);

    /// <summary>Its exit code, and what it printed.</summary>
    public static async Task<(int Code, string Output, string Error)> ToEndAsync(string[] args, Dictionary<string, string> variables, string? input = null, bool isTerminal = false, int width = 100)
    {
        await using var run = Start(args, variables, input, isTerminal, width: width);
        return (await run.EndAsync(), run.Output, run.Error);
    }

    public Task<int> EndAsync() => _run.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

    /// <summary>As Ctrl+C does.</summary>
    public async Task<int> InterruptAsync()
    {
        await _interrupt.CancelAsync();
        return await EndAsync();
    }

    public Task UntilAsync(Func<ToolRun, bool> condition, string what) =>
        Eventually.Async(() => _run.IsCompleted || condition(this), TimeSpan.FromSeconds(30), $"{what}; it printed: {Output} {Error}");

    public async ValueTask DisposeAsync()
    {
        await _interrupt.CancelAsync();
        await _run;
        _interrupt.Dispose();
    }

    private sealed class Lines : StringWriter
    {
        private readonly Lock _gate = new();

        public Lines()
            : base(CultureInfo.InvariantCulture) => NewLine = "\n";

        public override void Write(char value)
        {
            lock (_gate)
            {
                base.Write(value);
            }
        }

        public override void Write(string? value)
        {
            lock (_gate)
            {
                base.Write(value);
            }
        }

        public override void WriteLine(string? value)
        {
            lock (_gate)
            {
                base.WriteLine(value);
            }
        }

        public override string ToString()
        {
            lock (_gate)
            {
                return base.ToString();
            }
        }
    }
}
