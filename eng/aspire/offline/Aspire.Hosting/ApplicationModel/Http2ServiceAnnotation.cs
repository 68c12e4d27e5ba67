namespace Aspire.Hosting.ApplicationModel;

/// <summary>The resource's endpoints speak HTTP/2 only.</summary>
internal sealed class Http2ServiceAnnotation : IResourceAnnotation;
