namespace Aspire.Hosting.ApplicationModel;

/// <summary>The parameter is a resource name.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class ResourceNameAttribute : Attribute, IModelNameParameter;
