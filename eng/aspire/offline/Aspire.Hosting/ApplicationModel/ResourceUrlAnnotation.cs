using System.Diagnostics;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A URL shown for the resource.</summary>
[DebuggerDisplay("Url = {Url}, DisplayText = {DisplayText}")]
public sealed class ResourceUrlAnnotation : IResourceAnnotation
{
    /// <summary>Higher comes first.</summary>
    public int? DisplayOrder;

    /// <summary>Absolute, or a path relative to <see cref="Endpoint"/>.</summary>
    public required string Url { get; set; }

    public string? DisplayText { get; set; }

    public EndpointReference? Endpoint { get; init; }

    public UrlDisplayLocation DisplayLocation { get; set; }

    internal bool IsInternal => DisplayLocation == UrlDisplayLocation.DetailsOnly;

    internal ResourceUrlAnnotation WithEndpoint(EndpointReference endpoint) => new()
    {
        Url = Url,
        DisplayText = DisplayText,
        Endpoint = endpoint,
        DisplayOrder = DisplayOrder,
        DisplayLocation = DisplayLocation,
    };
}
