using Microsoft.AspNetCore.Connections;

namespace SseApp.ServiceDefaults.Defaults.Descriptors;

/// <summary>How many connections each client may have. Called while connections are accepted and counted: it must be quick.</summary>
internal interface IPeerLimit
{
    /// <summary>Counts a connection that was accepted; <see cref="Leave"/> follows.</summary>
    /// <returns>False, and nothing counted, when its client may have no more.</returns>
    bool TryEnter(ConnectionContext connection);

    /// <summary>It was let in.</summary>
    void Accepted(ConnectionContext connection, ConnectionSlot slot);

    /// <summary>The connection is gone.</summary>
    void Leave(ConnectionContext connection);

    /// <summary>A connection that was taken for gone is still in use; <see cref="Leave"/> follows once more.</summary>
    void Return(ConnectionContext connection);
}
