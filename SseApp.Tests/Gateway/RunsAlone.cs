namespace SseApp.Tests.Gateway;

[CollectionDefinition(DisableParallelization = true)]
public sealed class RunsAlone;
