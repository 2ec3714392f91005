module kldiv

go 1.19
