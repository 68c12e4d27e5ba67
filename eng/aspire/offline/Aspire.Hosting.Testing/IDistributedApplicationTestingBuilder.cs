namespace Aspire.Hosting.Testing;

/// <summary>A builder of an application under test.</summary>
public interface IDistributedApplicationTestingBuilder : IDistributedApplicationBuilder, IAsyncDisposable, IDisposable
{
    /// <summary>Builds the application; the caller starts and disposes it.</summary>
    Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);
}
