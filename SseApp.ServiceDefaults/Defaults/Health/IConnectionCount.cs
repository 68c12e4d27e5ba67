namespace SseApp.ServiceDefaults.Defaults.Health;

/// <summary>Register one to have <c>/health</c> and the registry tell how many streams are open.</summary>
public interface IConnectionCount
{
    /// <summary>Streams open now.</summary>
    int Connections { get; }
}
