namespace SseApp.Tests.Infrastructure;

/// <summary>For tests that measure the memory of the process that all tests share, or fill the machine's.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class RunsAlone;
