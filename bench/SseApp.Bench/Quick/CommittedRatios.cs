using System.Text.Json;
using System.Text.Json.Serialization;

namespace SseApp.Bench.Quick;

/// <summary>The ratios that are committed, and what a run may fall below them.</summary>
/// <param name="Commit">That was measured.</param>
/// <param name="Machine">On which.</param>
/// <param name="Redis">The program that was every subject's Redis; with another one the ratios are others.</param>
/// <param name="Ratios">By name; more is better.</param>
internal sealed record CommittedRatios(string Commit, string Machine, string Redis, SortedDictionary<string, double> Ratios)
{
    /// <summary>The share by which a ratio may be less.</summary>
    public const double MaxFall = 0.25;

    public static string PathIn(string root) => Path.Combine(root, "bench", "ratios.json");

    /// <exception cref="BenchException">There are none, or the file cannot be read.</exception>
    public static CommittedRatios Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(path), RatiosJsonContext.Default.CommittedRatios) is { Ratios: not null } found
                ? found
                : throw new BenchException($"{path} has no ratios.");
        }
        catch (Exception exception) when (exception is IOException or JsonException)
        {
            throw new BenchException($"{path} cannot be read ({exception.Message}). Write it with: compare --quick --write", exception);
        }
    }

    public void Write(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, RatiosJsonContext.Default.CommittedRatios) + "\n");

    /// <summary>What fell: each ratio that was measured and is committed, and is more than <see cref="MaxFall"/> below.</summary>
    public IEnumerable<FallenRatio> Fallen(IReadOnlyDictionary<string, double> measured) =>
        from committed in Ratios
        where measured.TryGetValue(committed.Key, out var found) && !(found >= Bound(committed.Value))
        select new FallenRatio(committed.Key, measured[committed.Key], committed.Value, Bound(committed.Value));

    /// <summary>Those that are committed and were not measured, as where a program is missing.</summary>
    public IEnumerable<string> Unmeasured(IReadOnlyDictionary<string, double> measured) => Ratios.Keys.Where(name => !measured.ContainsKey(name));

    // Rounded, so that a ratio that is a quarter less has not fallen.
    private static double Bound(double committed) => Math.Round(committed * (1 - MaxFall), 6);
}

internal sealed record FallenRatio(string Name, double Measured, double Committed, double Bound)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name} is {Measured:0.00}, committed is {Committed:0.00}; at least {Bound:0.00} is wanted ({CommittedRatios.MaxFall:P0} less).");
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CommittedRatios))]
internal sealed partial class RatiosJsonContext : JsonSerializerContext;
