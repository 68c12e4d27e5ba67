namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>Names that a service has by other settings than <c>Hosts:Allowed</c>; nobody should have to configure them twice.</summary>
internal interface IHostNames
{
    /// <summary>Names and <c>*.</c> patterns as they are now; a port in them is left out, and what is no name is ignored.</summary>
    IEnumerable<string> Names { get; }

    event EventHandler Changed;
}
