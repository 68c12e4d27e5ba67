using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp.Model;

namespace Aspire.Hosting.Dcp;

/// <summary>One instance of a resource: what the engine runs under one name, over all its starts.</summary>
internal sealed class DcpWorkload(IResource resource, DcpInstance instance) : IDisposable
{
    private readonly HashSet<string> _retiredUids = new(StringComparer.Ordinal);

    public IResource Resource { get; } = resource;

    public DcpInstance Instance { get; } = instance;

    public string Id => Instance.Name;

    public bool IsContainer => Resource.IsContainer();

    /// <summary>Starts and stops of one instance happen one after the other.</summary>
    public SemaphoreSlim Gate { get; } = new(1, 1);

    /// <summary>What was last handed to the engine; <see langword="null"/> before the first start.</summary>
    public DcpObject? Object { get; set; }

    public DcpLogFollower? Logs { get; set; }

    /// <summary>The engine's object of this uid is being replaced: what it still reports is of no interest.</summary>
    public void Retire(string? uid)
    {
        if (uid is not null)
        {
            lock (_retiredUids)
            {
                _retiredUids.Add(uid);
            }
        }
    }

    public bool IsRetired(string? uid)
    {
        lock (_retiredUids)
        {
            return uid is not null && _retiredUids.Contains(uid);
        }
    }

    public void Dispose()
    {
        Logs?.Dispose();
        Gate.Dispose();
    }
}
