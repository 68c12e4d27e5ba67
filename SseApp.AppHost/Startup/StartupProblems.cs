using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.AppHost.Startup;

/// <summary>What keeps the cluster from starting, reported together before anything starts.</summary>
internal sealed class StartupProblems
{
    private readonly List<string> _found = [];
    private readonly List<Func<IEnumerable<string>>> _checks = [];

    /// <summary>Those of one application; they end its start.</summary>
    public static StartupProblems Of(IDistributedApplicationBuilder builder)
    {
        if (builder.Services.LastOrDefault(service => service.ServiceType == typeof(StartupProblems))?.ImplementationInstance is StartupProblems known)
        {
            return known;
        }

        var problems = new StartupProblems();
        builder.Services.AddSingleton(problems);
        builder.Eventing.Subscribe<BeforeStartEvent>((_, _) =>
        {
            problems.ThrowIfAny();
            return Task.CompletedTask;
        });
        return problems;
    }

    /// <param name="problem">One line: what is wrong, and what to do.</param>
    public void Add(string problem) => _found.Add(problem);

    /// <summary>Adds a check that needs the whole application model or should be as late as possible.</summary>
    public void AddCheck(Func<IEnumerable<string>> check) => _checks.Add(check);

    /// <summary>Ends the start over what is known of the whole application. The program asks once before Aspire begins, whose dashboard may fail first.</summary>
    // Each supervised resource reads section Restart.
    public void ThrowIfAny() => ThrowIfAny(_found.Concat(_checks.SelectMany(check => check())).Distinct(StringComparer.Ordinal));

    /// <summary>Ends the start over problems that are known before there is an application.</summary>
    public static void ThrowIfAny(IEnumerable<string> problems)
    {
        string[] all = [.. problems.Select(UserInfo.Hide)];
        if (all.Length > 0)
        {
            throw new DistributedApplicationException(string.Join(Environment.NewLine, all));
        }
    }
}
