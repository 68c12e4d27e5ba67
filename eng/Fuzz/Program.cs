using System.CommandLine;
using System.Globalization;
using System.Runtime.CompilerServices;
using SseApp.Fuzz;

// Nothing of the services may be loaded before it is instrumented, so their types are named in methods of their own only.
Option<string[]> targets = new("--target") { Description = "What to fuzz; all of them if none is named.", AllowMultipleArgumentsPerToken = true };
Option<double> minutes = new("--minutes") { Description = "How long in all, shared by the targets.", DefaultValueFactory = _ => 10 };
Option<long> inputs = new("--inputs") { Description = "Inputs for each target, whatever time they take; goes before --minutes." };
Option<int> seed = new("--seed") { Description = "Of the random numbers.", DefaultValueFactory = _ => Random.Shared.Next() };
Option<bool> keep = new("--keep") { Description = "Writes inputs that reach new code into the corpus." };
RootCommand command = new("Feeds made-up bytes to everything that reads bytes from outside. An input that breaks a rule goes into the corpus, which the tests run.")
{
    targets, minutes, inputs, seed, keep,
};
command.SetAction(result =>
{
    Instrumentation.Apply(["SseApp.ServiceDefaults.dll", "SseApp.Events.dll", "SseApp.Gateway.dll"]);
    // What the targets are made of is instrumented, too, and counts while they are made.
    Coverage.Begin();
    return Run(result.GetValue(targets) ?? [], result.GetValue(minutes), result.GetValue(inputs), result.GetValue(seed), result.GetValue(keep));
});
return await command.Parse(args).InvokeAsync();

[MethodImpl(MethodImplOptions.NoInlining)]
static int Run(string[] names, double minutes, long inputs, int seed, bool keep)
{
    if (names.Except(FuzzTarget.All.Keys, StringComparer.Ordinal).FirstOrDefault() is { } unknown)
    {
        Console.Error.WriteLine($"There is no target '{unknown}'. Targets: {string.Join(", ", FuzzTarget.All.Keys)}.");
        return 1;
    }

    var chosen = names.Length == 0 ? [.. FuzzTarget.All.Keys] : names;
    var failed = false;
    foreach (var name in chosen)
    {
        var corpus = new Corpus(name);
        var fuzzer = new CoverageFuzzer(FuzzTarget.All[name], corpus.Read(), new Random(seed));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {fuzzer.Size} inputs in the corpus, seed {seed}"));
        var outcome = inputs > 0 ? fuzzer.Run(inputs, TimeSpan.MaxValue) : fuzzer.Run(long.MaxValue, TimeSpan.FromMinutes(minutes / chosen.Length));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: {outcome.Inputs:N0} inputs, {outcome.Inputs / Math.Max(0.001, outcome.Elapsed.TotalSeconds):N0}/s, {outcome.Branches} branches, {outcome.Found.Count} inputs reached new code"));
        if (keep)
        {
            corpus.Add(outcome.Found);
        }

        if (outcome.Failure is { } failure)
        {
            failed = true;
            corpus.Add([failure.Input]);
            Console.Error.WriteLine($"{name}: an input breaks the rule and was added to {corpus.Path}:\n{Corpus.Escape(failure.Input)}\n{failure.Exception}");
        }
    }

    return failed ? 1 : 0;
}
