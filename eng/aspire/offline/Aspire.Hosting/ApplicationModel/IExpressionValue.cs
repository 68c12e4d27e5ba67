namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value while running, and an expression in the manifest.</summary>
public interface IExpressionValue : IValueProvider, IManifestExpressionProvider;
