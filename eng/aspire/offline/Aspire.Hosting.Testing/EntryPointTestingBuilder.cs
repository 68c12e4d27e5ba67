namespace Aspire.Hosting.Testing;

/// <summary>The builder that an AppHost's entry point filled; the entry point waits until the test has finished with it.</summary>
internal sealed class EntryPointTestingBuilder(EntryPointRun run, DistributedApplicationBuilder inner) : TestingBuilder(inner)
{
    public override async ValueTask DisposeAsync()
    {
        run.Abort();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override Task<DistributedApplication> BuildCoreAsync(CancellationToken cancellationToken) => run.BuildAsync(cancellationToken);
}
