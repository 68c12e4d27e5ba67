using System.Diagnostics;

namespace SseApp.Fuzz;

/// <summary>What a run did.</summary>
/// <param name="Inputs">Inputs that the target read.</param>
/// <param name="Elapsed">How long it took.</param>
/// <param name="Branches">Branches that were taken.</param>
/// <param name="Found">Inputs that took a branch first.</param>
/// <param name="Failure">The input that broke the target's rule, or null.</param>
internal sealed record FuzzOutcome(long Inputs, TimeSpan Elapsed, int Branches, IReadOnlyList<byte[]> Found, FuzzFailure? Failure);

/// <summary>An input that a target did not stand.</summary>
internal sealed record FuzzFailure(byte[] Input, Exception Exception);

/// <summary>
/// Keeps inputs that reach new code and makes the next ones from them. Within one process and on one thread: AFL and libFuzzer
/// hand each input through a pipe, which is ten times slower than what these parsers take.
/// </summary>
internal sealed class CoverageFuzzer(FuzzTarget target, IEnumerable<byte[]> corpus, Random random)
{
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(10);

    private readonly List<byte[]> _corpus = [[], .. corpus];
    private readonly List<byte[]> _found = [];
    private byte[] _current = [];
    private long _count;

    public int Size => _corpus.Count - 1;

    public FuzzOutcome Run(long inputs, TimeSpan time)
    {
        var clock = Stopwatch.StartNew();
        using var watch = new Timer(_ => Watch(), null, s_hang, s_hang);
        var mutator = new Mutator(random, target.Words);
        Coverage.Forget();
        FuzzFailure? failure = null;
        foreach (var input in _corpus)
        {
            failure ??= Feed(input);
            Coverage.IsNew();
        }

        while (failure is null && _count < inputs && ((_count & 1023) != 0 || clock.Elapsed < time))
        {
            var input = mutator.Next(_corpus);
            failure = Feed(input);
            if (Coverage.IsNew())
            {
                _corpus.Add(input);
                _found.Add(input);
            }
        }

        return new FuzzOutcome(_count, clock.Elapsed, Coverage.Branches, _found, failure);
    }

    private FuzzFailure? Feed(byte[] input)
    {
        _current = input;
        Volatile.Write(ref _count, _count + 1);
        Coverage.Begin();
        try
        {
            target.Read(input);
            return null;
        }
        catch (Exception exception)
        {
            return new FuzzFailure(input, exception);
        }
    }

    private long _watched = -1;

    private void Watch()
    {
        var count = Volatile.Read(ref _count);
        if (count == _watched)
        {
            Console.Error.WriteLine($"One input takes longer than {s_hang.TotalSeconds} s:\n{Corpus.Escape(_current)}");
            Environment.Exit(2);
        }

        _watched = count;
    }
}
