namespace Aspire.Hosting.ApplicationModel;

/// <summary>A resource that runs code, as opposed to one that only describes something.</summary>
public interface IComputeResource : IResource;
