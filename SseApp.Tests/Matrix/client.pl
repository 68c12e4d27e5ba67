# perl client.pl <module> <url>: one client on one stream, of Perl's core modules alone. Prints every event that it sees as a
# line of JSON. HTTP::Tiny hands over chunks of any length; IO::Socket speaks HTTP/1.0 and reads to the end, as small programs do.
use strict;
use warnings;
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;

$| = 1;
my ($module, $url) = @ARGV;
my ($last, $retry, $buffer) = ('', 1000, '');
my $json = JSON::PP->new;

sub show { print $json->encode({ type => $_[0], data => $_[1], lastEventId => $last }), "\n" }

# Whatever a blank line ends is an event.
sub feed {
    $buffer .= $_[0];
    while ($buffer =~ s/\A(.*?)\n\n//s) {
        my ($type, @data) = ('message');
        for my $line (split /\n/, $1) {
            my ($field, $value) = $line =~ /\A([^:]*):? ?(.*)\z/;
            if ($field eq 'event') { $type = $value }
            elsif ($field eq 'data') { push @data, $value }
            elsif ($field eq 'id') { $last = $value }
            elsif ($field eq 'retry') { $retry = $value }
        }
        show($type, join "\n", @data);
    }
}

my %read = (
    'HTTP::Tiny' => sub {
        my %headers = (Accept => 'text/event-stream', length $last ? ('Last-Event-ID' => $last) : ());
        my $answer = HTTP::Tiny->new(timeout => 40, no_proxy => ['127.0.0.1'])->request('GET', $url, {
            headers => \%headers,
            data_callback => sub { feed($_[0]) if $_[1]{status} == 200 },
        });
        die "$answer->{status}\n" unless $answer->{success};
    },
    'IO::Socket' => sub {
        my ($host, $port, $path) = $url =~ m{\Ahttp://([^:/]+):(\d+)(/.*)\z} or die "not an address: $url\n";
        my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Proto => 'tcp', Timeout => 5) or die "$@\n";
        my $resume = length $last ? "Last-Event-ID: $last\r\n" : '';
        print $socket "GET $path HTTP/1.0\r\nHost: $host:$port\r\nAccept: text/event-stream\r\n$resume\r\n";
        my ($head, $chunk) = ('');
        while (sysread $socket, $chunk, 8192) {
            if (defined $head) {
                $head .= $chunk;
                $head =~ s/\A(.*?)\r\n\r\n//s or next;
                my $lines = $1;
                $lines =~ m{\AHTTP/1\.[01] 200 } or die "$lines\n";
                ($chunk, $head) = ($head);
            }
            feed($chunk);
        }
    },
);

# A write to a connection that was cut ends a program that does not expect it.
$SIG{PIPE} = 'IGNORE';
while (1) {
    $buffer = '';
    eval { $read{$module}->() };
    print STDERR $@ if $@;
    select undef, undef, undef, $retry / 1000;
}
