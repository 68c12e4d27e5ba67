using SseApp.Bench.Generator;

namespace SseApp.Tests.Infrastructure;

/// <summary>A program that a test started. What it printed last is kept for messages.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private const int MaxLines = 200;
    private const int MaxErrors = 60;
    private const int LinesOfError = 8;

    private readonly Process _process;
    private readonly Queue<string> _lines = new();
    private readonly List<string> _errors = [];
    private int _errorLines;

    private ChildProcess(Process process, Action<string>? onLine, Action<string>? onError)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Keep(line.Data, onLine);
        process.ErrorDataReceived += (_, line) => Keep(line.Data, onError);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>After its end.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Its memory in RAM, as the system counts it.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <param name="start">The program, its arguments and environment.</param>
    /// <param name="onLine">Called with each line of its standard output.</param>
    /// <param name="onError">Called with each line of its standard error.</param>
    public static ChildProcess Start(ProcessStartInfo start, Action<string>? onLine = null, Action<string>? onError = null)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.UseShellExecute = false;
        return new ChildProcess(Process.Start(start)!, onLine, onError);
    }

    /// <summary>The last lines that it printed.</summary>
    public string Tail(int lines = 5)
    {
        lock (_lines)
        {
            return string.Join(" | ", _lines.TakeLast(lines));
        }
    }

    /// <summary>The first errors that it logged, with the beginning of their stacks.</summary>
    public string Errors()
    {
        lock (_lines)
        {
            return string.Join(Environment.NewLine, _errors);
        }
    }

    /// <summary>Stops it in the middle of what it does (SIGSTOP); its sockets stay open and silent.</summary>
    public void Freeze() => Libc.Signal(Id, Libc.Stop);

    /// <summary>Lets a frozen one go on.</summary>
    public void Thaw() => Libc.Signal(Id, Libc.Continue);

    /// <summary>Asks it to stop (SIGTERM).</summary>
    public void Terminate() => Libc.Signal(Id, Libc.Terminate);

    public Task WaitForExitAsync() => _process.WaitForExitAsync();

    /// <summary>As a crash: no warning, no end of its streams.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private void Keep(string? line, Action<string>? onLine)
    {
        if (line is null)
        {
            return;
        }

        lock (_lines)
        {
            if (_lines.Count == MaxLines)
            {
                _lines.Dequeue();
            }

            _lines.Enqueue(line);
            _errorLines = IsError(line) ? LinesOfError : _errorLines - 1;
            if (_errorLines > 0 && _errors.Count < MaxErrors)
            {
                _errors.Add(line);
            }
        }

        onLine?.Invoke(line);
    }

    // As the console formatter of .NET writes the level.
    private static bool IsError(string line) => line.Contains("fail:", StringComparison.Ordinal) || line.Contains("crit:", StringComparison.Ordinal);
}
