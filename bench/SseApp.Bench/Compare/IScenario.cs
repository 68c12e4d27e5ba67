namespace SseApp.Bench.Compare;

/// <summary>One kind of load.</summary>
internal interface IScenario
{
    /// <summary>Short and stable; <c>--scenarios</c> takes it.</summary>
    string Name { get; }

    string Title { get; }

    bool Applies(Subject subject) => !subject.OnlyBehindProxy && !subject.IsPart;

    Task RunAsync(Subject subject, ScenarioContext context);
}
