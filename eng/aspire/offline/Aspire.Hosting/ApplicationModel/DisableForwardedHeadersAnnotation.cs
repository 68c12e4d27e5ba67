namespace Aspire.Hosting.ApplicationModel;

/// <summary>The project does not trust <c>X-Forwarded-*</c> headers.</summary>
public sealed class DisableForwardedHeadersAnnotation : IResourceAnnotation;
