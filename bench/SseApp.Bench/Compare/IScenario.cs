using SseApp.Bench.Subjects;

namespace SseApp.Bench.Compare;

/// <summary>One kind of load.</summary>
internal interface IScenario
{
    /// <summary>Short and stable; <c>--scenarios</c> takes it.</summary>
    string Name { get; }

    string Title { get; }

    /// <summary>Worker processes of each subject.</summary>
    int Workers { get; }

    bool Applies(ISubject subject);

    Task RunAsync(ISubject subject, ScenarioContext context);
}
