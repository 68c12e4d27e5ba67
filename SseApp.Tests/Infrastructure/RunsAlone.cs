namespace SseApp.Tests.Infrastructure;

[CollectionDefinition(DisableParallelization = true)]
public sealed class RunsAlone;
