namespace Aspire.Hosting.ApplicationModel;

/// <summary>The project runs without any launch profile.</summary>
public sealed class ExcludeLaunchProfileAnnotation : IResourceAnnotation;
