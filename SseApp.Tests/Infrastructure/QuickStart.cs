namespace SseApp.Tests.Infrastructure;

/// <summary>
/// Most hosts and processes of tests live for seconds. What the services do for years of life (compile each method well at its
/// first use, open streams to themselves for that before clients come, watch their configuration files) would be most of the CPU time of such a start.
/// </summary>
internal static class QuickStart
{
    private static readonly (string Name, string Value)[] s_quick =
        [("DOTNET_TC_QuickJit", "1"), ("DOTNET_TC_CallCountingDelayMs", "100"), ("DOTNET_TieredPGO", "0"), ("WarmUp__Enabled", "false")];

    // The servers of tests are theirs alone, and empty at the end.
    private static readonly string[] s_accepted = ["Cluster__AllowRedisWithoutPassword", "RedisMemory__AllowNoLimit", "Security__AllowAnonymous"];

    /// <summary>The settings that a process inherits from the tests go, so that it has those it is shipped with.</summary>
    public static void Undo(IDictionary<string, string?> environment) => Array.ForEach(s_quick, setting => environment.Remove(setting.Name));

#pragma warning disable CA2255 // The tests are a program: these must be there before its first host.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Apply()
    {
        foreach (var (name, value) in s_quick)
        {
            Environment.SetEnvironmentVariable(name, value);
        }

        Array.ForEach(s_accepted, setting => Environment.SetEnvironmentVariable(setting, "true"));
        Environment.SetEnvironmentVariable("DOTNET_hostBuilder__reloadConfigOnChange", "false");
    }
}
