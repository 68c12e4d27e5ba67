using SharpFuzz;

namespace SseApp.Fuzz;

/// <summary>Puts counters of branches into assemblies beside this program, before they are loaded.</summary>
internal static class Instrumentation
{
    public static void Apply(IEnumerable<string> assemblies)
    {
        foreach (var assembly in assemblies)
        {
            try
            {
                Fuzzer.Instrument(Path.Combine(AppContext.BaseDirectory, assembly), _ => true, Options.Value);
            }
            catch (InstrumentationException exception) when (exception.Message.Contains("already", StringComparison.Ordinal))
            {
                // By an earlier run of the same build.
            }
        }
    }
}
