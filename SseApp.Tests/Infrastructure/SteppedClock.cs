namespace SseApp.Tests.Infrastructure;

/// <summary>The time of day of the processes that have its environment, which a test sets. Needs Debian's libfaketime.</summary>
internal sealed class SteppedClock : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"sse-clock-{Guid.NewGuid():N}");

    public SteppedClock()
    {
        var library = Directory.Exists("/usr/lib")
            ? Directory.EnumerateDirectories("/usr/lib").Select(folder => Path.Combine(folder, "faketime", "libfaketimeMT.so.1")).FirstOrDefault(File.Exists)
            : null;
        Step(TimeSpan.Zero);
        Environment = library is null ? [] :
        [
            ("LD_PRELOAD", library),
            ("FAKETIME_TIMESTAMP_FILE", _file),
            ("FAKETIME_CACHE_DURATION", "1"),
            // As a real one: what counts from the start of the machine knows nothing of it.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
    }

    /// <summary>Empty where the library is not.</summary>
    public (string Key, string Value)[] Environment { get; }

    public void Require() => Assert.SkipWhen(Environment.Length == 0, "libfaketime is not installed (apt-get install libfaketime).");

    /// <summary>From now on, or a second later, the time is that much off.</summary>
    public void Step(TimeSpan offset)
    {
        File.WriteAllText(_file + ".new", string.Create(CultureInfo.InvariantCulture, $"{offset.TotalSeconds:+0;-0;+0}\n"));
        File.Move(_file + ".new", _file, overwrite: true);
    }

    public void Dispose() => File.Delete(_file);
}
