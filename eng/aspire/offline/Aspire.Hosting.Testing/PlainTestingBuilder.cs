namespace Aspire.Hosting.Testing;

/// <summary>A builder that the test alone fills.</summary>
internal sealed class PlainTestingBuilder(DistributedApplicationBuilder inner) : TestingBuilder(inner)
{
    protected override Task<DistributedApplication> BuildCoreAsync(CancellationToken cancellationToken) => Task.FromResult(Inner.Build());
}
